import { load } from '../base/atomics.js';
import { type Control, LANES_USED } from './control.js';
import { CURRENT, EPOCH, isActive, STATE } from './lane.js';
import type { Lanes } from './tree.js';

/** What one lane's tree needs to know about all lanes: how far each has got, and which words it claims from. */
export class AllLanes implements Lanes {
  private readonly control: Control;
  private readonly own: number;

  constructor(control: Control, own: number) {
    this.control = control;
    this.own = own;
  }

  get used(): number {
    return this.control.lanesUsed;
  }

  epochs(): number {
    const { control, own } = this;
    const { words } = control;
    let sum = 0;
    const { used } = this;
    for (let number = 0; number < used; number++) {
      if (number === own) continue;
      const epoch = load(words, control.laneWord(number, EPOCH));
      if ((epoch & 1) !== 0) return -1;
      sum = (sum + epoch) & 0x7fff_fffe;
    }
    return sum;
  }

  currentOf(number: number, level: number): number {
    const { control } = this;
    return control.words[control.laneWord(number, CURRENT + level)] as number;
  }

  isOthers(level: number, index: number): boolean {
    const { control, own } = this;
    // A plain read is enough: the answer is only a preference.
    const used = control.words[LANES_USED] as number;
    for (let number = 0; number < used; number++) {
      if (number === own || this.currentOf(number, level) !== index) continue;
      if (isActive(control.words[control.laneWord(number, STATE)] as number)) return true;
    }
    return false;
  }
}
