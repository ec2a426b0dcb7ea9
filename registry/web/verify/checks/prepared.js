// What preprocessing made of the items, as far as records show it (docs/format/data.md, preprocessing).
import { equal } from "../bytes/equal.js";
import { hex, Refusal } from "../bytes/bytes.js";
import { say } from "./outcome.js";

export function checkPrepared(view) {
  const { output, items } = view;
  const isSame = output.length === items.length && output.every((row, i) => hex(row.sha256) === hex(items[i].sha256));
  if (!isSame) throw new Refusal("not one row an item");
  checkGroups(view);
  output.forEach((row, i) => checkBoxes(row, items[i]));
  return say("{kept} {kept|image|images} kept, {dropped} dropped", {
    kept: view.kept.length,
    dropped: output.length - view.kept.length,
  });
}

function checkGroups({ output, items }) {
  const smallest = new Map();
  const bySubject = new Map();
  const byPixels = new Map();
  output.forEach((row, i) => {
    const [image, group] = [hex(row.sha256), hex(row.group)];
    const least = smallest.get(group);
    if (least === undefined || image < least) smallest.set(group, image);
    const { subject } = items[i];
    if (subject !== null) together(bySubject, subject, group, image);
    if (row.pixels) together(byPixels, hex(row.pixels), group, image);
  });
  for (const [group, least] of smallest) {
    if (group !== least) throw new Refusal("group {group} is not named by its smallest member", { group });
  }
}

function together(groups, key, group, image) {
  if ((groups.get(key) ?? group) !== group) {
    throw new Refusal("image {image} is in another group than one of the same person or the same pixels", { image });
  }
  groups.set(key, group);
}

function within([x, y, w, h], width, height) {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const [right, bottom] = [Math.min(100 * width, x + w), Math.min(100 * height, y + h)];
  return right - left >= 100 && bottom - top >= 100 ? [left, top, right - left, bottom - top] : null;
}

function checkBoxes(row, item) {
  const image = hex(row.sha256);
  const refuse = () => {
    throw new Refusal("image {image} has other boxes than its item and its size give", { image });
  };
  if (row.reason !== null) return;
  const inside = item.boxes.map((box) => within(box, row.width, row.height)).filter(Boolean);
  const different = inside.filter((box, i) => inside.findIndex((other) => equal(box, other)) === i);
  const whole = [[0, 0, 100 * row.width, 100 * row.height]];
  if ((row.box_source === "nothing") !== (item.label === null)) refuse();
  const isFine = {
    nothing: () => !row.boxes.length,
    supplied: () => row.boxes.length > 0 && (equal(row.boxes, item.boxes) || equal(row.boxes, different)),
    full_frame: () => equal(row.boxes, whole) && !inside.length,
    detector: () => row.boxes.length === 1 && !inside.length,
  }[row.box_source];
  if (!isFine || !isFine()) refuse();
}
