// A drawing that is wider than its frame begins where the reader is.
const frame = document.querySelector(".lineage-frame");
const here = frame?.querySelector(".node.here rect");
if (frame && here) {
  const box = here.getBoundingClientRect();
  frame.scrollLeft += box.left + box.width / 2 - (frame.getBoundingClientRect().left + frame.clientWidth / 2);
}
