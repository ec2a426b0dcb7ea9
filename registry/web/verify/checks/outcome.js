// What a check says beside "it holds": returned as a sentence, or thrown as a refusal or as this.
import { Missing, Newer, Refusal } from "../bytes/bytes.js";

/** The check can't be made here, for a reason that is nobody's fault. */
export class NotChecked extends Refusal {}

/** A sentence with its values, for a check that holds. */
export const say = (template, values = {}) => ({ template, values });

/** Does this for every member and throws the first refusal in the end; a newer version only if nothing is worse. */
export function each(list, act) {
  let worst = null;
  for (const member of list) {
    try {
      act(member);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!worst || (isOpen(worst) && !isOpen(error))) worst = error;
    }
  }
  if (worst) throw worst;
}

const isOpen = (error) => [Missing, Newer, NotChecked].some((kind) => error instanceof kind);

/** The check, made only where all of the target's records can be read. */
export const needingAll = ([id, act]) => [
  id,
  (audit) => {
    audit.view.needAll();
    return act(audit);
  },
];
