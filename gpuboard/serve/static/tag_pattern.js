/** Return what the data routes take as a pattern: the text itself, or with its signs literal. */
export function tagPattern(text, isRegex) {
  return isRegex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
