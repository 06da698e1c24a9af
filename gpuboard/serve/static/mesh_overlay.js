/** Paint the axes in a corner of a 3D view, and tell which of them a click means. */

const [ARM, EDGE, BALL] = [26, 40, 8]; // pixels of the page
const NAMES = ["x", "y", "z"];
const COLOURS = { light: ["#c93a3a", "#2c8a3d", "#3563c9"], dark: ["#f0736e", "#62c06f", "#7aa2ff"] };

/** Return the six ends of the axes, the hindmost first. */
function endsOf({ right, upward, back, width, height }) {
  const middle = { x: width - EDGE, y: height - EDGE };
  const ends = [0, 1, 2].flatMap((axis) =>
    [1, -1].map((sign) => ({
      axis,
      sign,
      x: middle.x + sign * right[axis] * ARM,
      y: middle.y - sign * upward[axis] * ARM,
      depth: sign * back[axis],
    })),
  );
  return { middle, ends: ends.sort((a, b) => a.depth - b.depth) };
}

/** Paint the axes of a view into its lower right corner. */
export function paintAxes(context, view, { isDark, ground, font }) {
  const { middle, ends } = endsOf(view);
  const colours = COLOURS[isDark ? "dark" : "light"];
  context.save();
  context.lineWidth = 2;
  context.font = `600 10px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { axis, sign, x, y } of ends) {
    context.strokeStyle = colours[axis];
    context.fillStyle = sign > 0 ? colours[axis] : ground;
    context.beginPath();
    if (sign > 0) {
      context.moveTo(middle.x, middle.y);
      context.lineTo(x, y);
      context.stroke();
    }
    context.beginPath();
    context.arc(x, y, sign > 0 ? BALL - 1 : 4, 0, 2 * Math.PI);
    context.fill();
    if (sign < 0) {
      context.lineWidth = 1.5;
      context.stroke();
      context.lineWidth = 2;
      continue;
    }
    context.fillStyle = isDark ? "#10131f" : "#ffffff";
    context.fillText(NAMES[axis], x, y + 0.5);
  }
  context.restore();
}

/** Return the end of an axis at a place, `{axis, sign}`, null for none. */
export function axisAt(view, x, y) {
  const { ends } = endsOf(view);
  return ends.findLast((end) => Math.hypot(end.x - x, end.y - y) <= BALL) ?? null;
}
