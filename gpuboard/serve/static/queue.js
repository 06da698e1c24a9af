/** Let few tasks run at a time, so that requests of many cards do not crowd each other out. */

const PARALLEL = 4;

/** Let at most `PARALLEL` tasks run at a time, in the order they came. */
export class Queue {
  constructor() {
    this.waiting = [];
    this.running = 0;
  }

  add(task) {
    this.waiting.push(task);
    this.next();
  }

  async next() {
    if (this.running >= PARALLEL || !this.waiting.length) return;
    this.running++;
    try {
      await this.waiting.shift()();
    } finally {
      this.running--;
      this.next();
    }
  }
}
