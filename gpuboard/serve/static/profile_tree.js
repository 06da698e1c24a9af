/** Decide which rows of a tree are in sight: parents open or closed, siblings sorted, some found. */

export class Tree {
  /** @param {ArrayLike<number>} parent Row above each row, -1 for outermost ones; parents first. */
  constructor(parent) {
    this.parent = parent;
    this.children = Array.from(parent, () => []);
    this.roots = [];
    for (let row = 0; row < parent.length; row++) {
      (parent[row] < 0 ? this.roots : this.children[parent[row]]).push(row);
    }
    this.opened = new Set();
  }

  isOpen(row) {
    return this.opened.has(row);
  }

  hasChildren(row) {
    return this.children[row].length > 0;
  }

  toggle(row, isOpen = !this.opened.has(row)) {
    if (isOpen) this.opened.add(row);
    else this.opened.delete(row);
  }

  openAll() {
    for (let row = 0; row < this.parent.length; row++) if (this.hasChildren(row)) this.opened.add(row);
  }

  /** Open level by level as long as no more than `most` rows come into sight. */
  openSome(most) {
    this.opened.clear();
    let level = this.roots;
    let seen = level.length;
    while (level.length) {
      const below = level.flatMap((row) => this.children[row]);
      if (seen + below.length > most && seen > 1) return;
      seen += below.length;
      for (const row of level) if (this.hasChildren(row)) this.opened.add(row);
      level = below;
    }
  }

  /** Open all that lie above a row. */
  show(row) {
    for (let above = this.parent[row]; above >= 0; above = this.parent[above]) this.opened.add(above);
  }

  /**
   * Return the rows in sight.
   *
   * @param {((a: number, b: number) => number) | null} compare Order of siblings, null: as they are.
   * @param {((row: number) => boolean) | null} matches With it: what matches, and all above it.
   */
  order(compare, matches = null) {
    const kept = matches ? this.keptBy(matches) : null;
    const rows = [];
    const waiting = [];
    const push = (siblings) => {
      let some = kept ? siblings.filter((row) => kept[row]) : siblings;
      if (compare) some = [...some].sort(compare);
      for (let i = some.length - 1; i >= 0; i--) waiting.push(some[i]);
    };
    push(this.roots);
    while (waiting.length) {
      const row = waiting.pop();
      rows.push(row);
      if (kept || this.opened.has(row)) push(this.children[row]);
    }
    return rows;
  }

  keptBy(matches) {
    const kept = new Uint8Array(this.parent.length);
    for (let row = this.parent.length - 1; row >= 0; row--) {
      if (!kept[row] && matches(row)) kept[row] = 1;
      if (kept[row] && this.parent[row] >= 0) kept[this.parent[row]] = 1;
    }
    return kept;
  }
}
