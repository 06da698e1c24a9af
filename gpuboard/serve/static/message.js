/** Show a title and a few sentences where a page could not be built; text only. */
export default {
  render({ el, model }) {
    const { title = "", lines = [] } = model.state;
    const box = document.createElement("section");
    box.className = "message";
    box.setAttribute("role", "alert");
    const head = document.createElement("h2");
    head.textContent = title;
    box.append(head);
    for (const line of lines) {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      box.append(paragraph);
    }
    el.replaceChildren(box);
  },
};
