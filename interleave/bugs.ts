import type { Bug } from './library.js';

/** Bugs that are planted one at a time into the built library, to show that the scenarios find such. */
export const bugs: readonly Bug[] = [
  {
    name: 'a claim that trusts a stale word',
    file: 'shared-blocks.js',
    find: 'const seen = compareExchange(words, at, word, word ^ lowest);',
    replace: 'const seen = word; store(words, at, word ^ lowest);',
    scenario: 'claim / claim',
  },
  {
    name: 'a release that trusts a stale word',
    file: 'shared-blocks.js',
    find: 'const seen = compareExchange(words, at, before, now === whole ? 0 : now);',
    replace: 'const seen = before; store(words, at, now === whole ? 0 : now);',
    scenario: 'release / release of buddies',
  },
  {
    name: 'a full word that is not closed',
    file: 'shared-blocks.js',
    find: 'const whole = number < top ? level.full : NEVER;',
    replace: 'const whole = NEVER;',
    scenario: 'split / coalesce',
  },
  {
    name: 'a word that is closed without looking again whether it is full',
    file: 'shared-blocks.js',
    find: 'const seen = compareExchange(words, at, before, now === whole ? 0 : now);',
    replace:
      'let seen = before; if (now === whole) store(words, at, 0); else seen = compareExchange(words, at, before, now);',
    scenario: 'coalesce / claim of the buddy',
  },
  {
    name: 'a hint that is lowered without looking again',
    file: 'hints.js',
    find: 'const again = rankNow(index);',
    replace: 'const again = rank;',
    scenario: 'claim / release over two words',
  },
  {
    name: 'a wake before the publish',
    file: 'shared-requests.js',
    find: 'words[this.holders + block] = holdersWord(order, 1);',
    replace:
      'words[this.holders + block] = holdersWord(order, 1); this.control.wake(this.control.laneOf(at)); this.control.wake = () => undefined;',
    scenario: 'release / waiter',
  },
  {
    name: 'a waiter that does not try again after it said that it waits',
    file: 'shared-waiting.js',
    find: 'const found = claimUnlessClosed(engine, order, capacity);',
    replace: 'const found = undefined;',
    scenario: 'release / waiter',
  },
  {
    name: 'a release that does not look for waiters after it freed',
    file: 'shared-requests.js',
    find: 'return load(this.words, WAITING) !== 0;',
    replace: 'return false;',
    scenario: 'release / waiter',
  },
  {
    name: 'the flag of waiters cleared without looking again',
    file: 'shared-requests.js',
    find: 'store(words, WAITING, 0);',
    replace: 'store(words, WAITING, 0); return;',
    scenario: 'claim / release / waiter where another one left',
  },
  {
    name: 'memory handed to who has given up',
    file: 'shared-requests.js',
    find: 'if (compareExchange(words, at, state, (block << STATE_BITS) | GRANTED) !== state)\n            return false;',
    replace: 'store(words, at, (block << STATE_BITS) | GRANTED);',
    scenario: 'release / release / waiter',
  },
  {
    name: 'a decrement that is not atomic',
    file: 'shared-holdings.js',
    find: 'const before = add(words, at, -1);',
    replace: 'const before = words[at]; add(words, at, 0); words[at] = before - 1;',
    scenario: 'release / release of one allocation',
  },
  {
    name: 'a ticket that is redeemed without comparing',
    file: 'shared-messages.js',
    find: 'if (compareExchange(this.words, at, state, (state + 1) | 0) !== state)\n            return false;',
    replace: 'if (this.words[at] !== state) return false; add(this.words, at, 1);',
    scenario: 'ticket redeemed twice',
  },
  {
    name: 'a receiver that says it waits after it looked',
    file: 'bytes-channel.js',
    find: 'waiting.add();\n            const result = attempt();',
    replace: 'const result = attempt();\n            waiting.add();',
    scenario: 'send / receive / close',
  },
  {
    name: 'a sender that wakes before it sends',
    file: 'bytes-channel.js',
    find: 'if (!this.ring.send(message)) {',
    replace:
      'this.receivers.wakeAll(); this.receivers.wakeAll = () => undefined;\n        if (!this.ring.send(message)) {',
    scenario: 'send / receive / close',
  },
  {
    name: 'a message that is taken without comparing',
    file: 'ring.js',
    find: 'if (compareExchange(cells, index, cell, freed) === cell) {',
    replace: 'load(cells, index); cells[index] = freed; {',
    scenario: 'send / two receivers / close',
  },
  {
    name: 'an operation between taking a slot and noting it',
    file: 'shared-blocks.js',
    find: 'lane[journal.owned] = slot + 1;',
    replace: 'load(words, at); lane[journal.owned] = slot + 1;',
    scenario: 'death in a claim',
  },
  {
    name: 'an operation between closing a word and noting it',
    file: 'shared-blocks.js',
    find: 'lane[journal.owned] = now === whole ? above + 1 : 0;',
    replace: 'load(words, at); lane[journal.owned] = now === whole ? above + 1 : 0;',
    scenario: 'death in a coalesce beside its buddy',
  },
  {
    name: 'a hold that is returned before it is moved',
    file: 'shared-recovery.js',
    find: 'holds[block] = theirs;',
    replace:
      'if (theirs < 0) holds[block] = theirs; queueMicrotask(() => undefined); store(control.words, WAITING, 1); holds[block] = theirs;',
    scenario: 'death of who reclaims',
  },
  {
    name: 'a reclaim that forgets what is owned',
    file: 'shared-recovery.js',
    find: 'if (owned === 0)\n            return;',
    replace: 'return;',
    scenario: 'death in a coalesce beside its buddy',
  },
  {
    name: 'a reclaim that raises no hints',
    file: 'shared-recovery.js',
    find: 'blocks.heal(at - 1);',
    replace: ';',
    scenario: 'death in a release over two words',
  },
];
