/** Write names into narrow boxes: shortened where that loses nothing, then cut with an ellipsis. */

const LEAST = 3; // characters worth showing
const SPACES = /\(anonymous namespace\)::|\b(?:at|native|std|c10|detail|internal|thrust|cub)::/g;

/** Shorten the name of a kernel or operator for a label: no return type, no namespaces. */
export function labelOf(name) {
  return name.startsWith("void ") || name.includes("::")
    ? name.replace(/^void /, "").replace(SPACES, "")
    : name;
}

/** Measures text by the widths of its characters, so that no canvas is asked twice. */
export class Letters {
  constructor(pen, font) {
    this.pen = pen;
    this.font = font;
    this.widths = new Map();
    pen.font = font;
    this.dots = pen.measureText("…").width;
  }

  width(letter) {
    let width = this.widths.get(letter);
    if (width === undefined) {
      this.pen.font = this.font;
      width = this.pen.measureText(letter).width;
      this.widths.set(letter, width);
    }
    return width;
  }

  /** Return as much of a text as fits, "" where that says nothing. */
  fit(text, room) {
    let sum = 0;
    let cut = 0;
    for (let i = 0; i < text.length; i++) {
      sum += this.width(text[i]);
      if (sum + this.dots <= room) cut = i + 1;
      if (sum > room) return cut >= LEAST ? `${text.slice(0, cut).trimEnd()}…` : "";
    }
    return text;
  }

  measure(text) {
    let sum = 0;
    for (const letter of text) sum += this.width(letter);
    return sum;
  }
}
