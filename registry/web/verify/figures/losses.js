// Losses by epoch, and the record's `overfitting`.
import { add, compare, mean, parse, six, sub, ZERO } from "./fraction.js";

const DECIMAL = /^-?[0-9]{1,12}\.[0-9]{6}$/;

function lossOf(values, names) {
  const given = names.map((name) => (Object.hasOwn(values, name) ? values[name] : ""));
  if (!names.length || !given.every((value) => DECIMAL.test(value))) return null;
  return given.map(parse).reduce(add, ZERO);
}

/** [{epoch, train, val, gap}], fractions or null. */
export function lossesOf(history, losses) {
  return [...history]
    .sort((a, b) => a.epoch - b.epoch)
    .map(({ epoch, values }) => {
      const train = lossOf(values, losses.training);
      const val = lossOf(values, losses.validation);
      return { epoch, train, val, gap: train && val ? sub(val, train) : null };
    });
}

const written = (fraction) => (fraction ? six(fraction) : null);

function rowOf({ fold, history }, losses) {
  const list = lossesOf(history, losses);
  const last = list[list.length - 1] ?? { epoch: null, train: null, val: null, gap: null };
  const best = list.filter(({ val }) => val).reduce((a, b) => (a && compare(a.val, b.val) <= 0 ? a : b), null) ?? {
    epoch: null,
    train: null,
    val: null,
    gap: null,
  };
  return { name: fold === null ? "refit" : `fold ${fold}`, last, best };
}

export function overfittingOf(trainings, losses) {
  const order = [...trainings].sort((a, b) => (a.fold ?? Infinity) - (b.fold ?? Infinity));
  const rows = order.map((training) => rowOf(training, losses));
  const found = rows.map(({ name, last, best }) => ({
    name,
    epochs: last.epoch,
    bestEpoch: best.epoch,
    lastTrain: written(last.train),
    lastVal: written(last.val),
    lastGap: written(last.gap),
    bestTrain: written(best.train),
    bestVal: written(best.val),
    bestGap: written(best.gap),
  }));
  const folds = rows.filter((_, i) => order[i].fold !== null);
  if (!folds.length) return found;
  const middle = (side, of) => {
    const values = folds.map((row) => row[side][of]).filter(Boolean);
    return values.length ? six(mean(values)) : null;
  };
  found.push({
    name: "mean",
    epochs: null,
    bestEpoch: null,
    lastTrain: middle("last", "train"),
    lastVal: middle("last", "val"),
    lastGap: middle("last", "gap"),
    bestTrain: middle("best", "train"),
    bestVal: middle("best", "val"),
    bestGap: middle("best", "gap"),
  });
  return found;
}
