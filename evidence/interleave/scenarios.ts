import type { Bytes, BytesChannel, SharedBuddyArena, SharedFixedArena, Ticket } from 'arena-alligator';

/** What a thread of a scenario works with. */
export interface Actor {
  readonly arena: SharedFixedArena & SharedBuddyArena;
  readonly channel: BytesChannel;
  /** The ticket that the main thread prepared. */
  readonly ticket: Ticket;
  /** The bytes that this thread holds. */
  readonly held: Bytes[];
  /** Adds points to the sum by which the scenario is judged. */
  count(points: number): void;
  /** Sleeps until the victim is dead. @returns the victim's thread id */
  awaitDeath(): number;
  idOf(thread: number): number;
}

export interface Role {
  /** Runs before anything is stepped, one thread after the other. */
  prepare?(actor: Actor): void;
  run(actor: Actor): void;
}

export interface Scenario {
  readonly name: string;
  /** Number of slots of a fixed arena, or largest order of a buddy arena. */
  readonly slots?: number;
  readonly maxOrder?: number;
  readonly capacity?: number;
  /** Number of slots or smallest blocks that the main thread holds all the time. */
  readonly taken?: number;
  /** Whether the arena's WAITING flag is set for a waiter that has left. */
  readonly isFlagStale?: boolean;
  readonly roles: readonly Role[];
  /** Which thread dies, at each of its operations in turn. */
  readonly victim?: number;
  /** Which thread is dead from the start. */
  readonly dead?: number;
  /** The points that all threads must count together when no thread died. */
  readonly points?: number;
  /** Number of blocks that are still held at the end, by handles that were kept on purpose. */
  readonly kept?: number;
}

const allocate = (actor: Actor, length = 1): Bytes => actor.arena.allocate(length).putU8(7).freeze();

function tryAllocate(actor: Actor, length = 1): Bytes | undefined {
  return actor.arena.tryAllocate(length)?.putU8(7).freeze();
}

const claimAndKeep: Role = {
  run(actor) {
    const bytes = tryAllocate(actor);
    if (bytes === undefined) return;
    actor.held.push(bytes);
    actor.count(1);
  },
};

const claimAndRelease: Role = { run: (actor) => tryAllocate(actor)?.release() };

function churn(length: number): Role {
  return {
    run(actor) {
      const bytes = tryAllocate(actor, length);
      if (bytes !== undefined) actor.count(1);
      bytes?.release();
    },
  };
}

function holdThenRelease(length: number): Role {
  return {
    prepare: (actor) => void actor.held.push(allocate(actor, length)),
    run: (actor) => actor.held.pop()?.release(),
  };
}

const waitBlocking = (length: number): Role => ({
  run(actor) {
    const fixed = actor.arena.slotCount !== undefined;
    const buffer = fixed
      ? (actor.arena as SharedFixedArena).allocateBlocking()
      : (actor.arena as SharedBuddyArena).allocateBlocking(length);
    actor.count(1);
    buffer.abandon();
  },
});

/** Leaves a word open, with all of it free. */
const leaveOneResting = (actor: Actor): void => allocate(actor).release();

const rest: Role = { prepare: leaveOneResting, run() {} };

const restThenClaim: Role = { prepare: leaveOneResting, run: claimAndRelease.run };

const restThenDetach: Role = { prepare: leaveOneResting, run: (actor) => actor.arena.detach() };

const holdAll: Role = {
  run(actor) {
    const bytes = tryAllocate(actor, 64);
    if (bytes === undefined) return;
    actor.held.push(bytes);
    actor.count(1);
  },
};

const measure: Role = { run: (actor) => void actor.arena.metrics() };

/** Releases everything in two words after the thread has gone on to a third word. */
const releaseBehind: Role = {
  prepare(actor) {
    for (let count = 0; count < 5; count++) actor.held.push(allocate(actor));
  },
  run(actor) {
    for (const bytes of actor.held.splice(0)) bytes.release();
  },
};

const reclaimTheDead: Role = { run: (actor) => void actor.arena.reclaim(actor.awaitDeath()) };

const reclaimBoth: Role = {
  run(actor) {
    actor.arena.reclaim(actor.awaitDeath());
    actor.arena.reclaim(actor.idOf(0));
  },
};

const reclaimFirst: Role = { run: (actor) => void actor.arena.reclaim(actor.idOf(0)) };

const sendTwo: Role = {
  prepare: (actor) => void actor.held.push(allocate(actor), allocate(actor)),
  run(actor) {
    for (const bytes of actor.held.splice(0)) actor.channel.sendBlocking(bytes);
    actor.channel.close();
  },
};

const receiveAll: Role = {
  run(actor) {
    for (let bytes = actor.channel.receiveBlocking(); bytes !== undefined; bytes = actor.channel.receiveBlocking()) {
      actor.count(bytes.at(0) === 7 ? 1 : 100);
      bytes.release();
    }
  },
};

const redeem: Role = {
  run(actor) {
    try {
      actor.arena.redeem(actor.ticket).release();
      actor.count(1);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ReleasedError') throw error;
    }
  },
};

/** Sends one of two handles on the same memory, so that another thread holds the memory too. */
const shareThenRelease: Role = {
  prepare(actor) {
    const bytes = allocate(actor);
    actor.channel.trySend(bytes.clone());
    actor.held.push(bytes);
  },
  run: (actor) => actor.held.pop()?.release(),
};

const receiveThenRelease: Role = {
  prepare(actor) {
    const bytes = actor.channel.tryReceive();
    if (bytes !== undefined) actor.held.push(bytes);
  },
  run: (actor) => actor.held.pop()?.release(),
};

const receiveOne: Role = { run: (actor) => actor.channel.tryReceive()?.release() };

const sendOne: Role = {
  prepare: (actor) => void actor.held.push(allocate(actor)),
  run(actor) {
    for (const bytes of actor.held.splice(0)) {
      actor.channel.trySend(bytes.clone());
      bytes.release();
    }
  },
};

const holdForEver: Role = {
  prepare: (actor) => void actor.held.push(allocate(actor), allocate(actor)),
  run() {},
};

export const scenarios: readonly Scenario[] = [
  { name: 'claim / claim', slots: 2, roles: [claimAndKeep, claimAndKeep], points: 2, kept: 2 },
  { name: 'claim / claim of one slot', slots: 1, roles: [claimAndKeep, claimAndKeep], points: 1, kept: 1 },
  { name: 'claim / release', slots: 1, roles: [holdThenRelease(1), claimAndRelease] },
  {
    name: 'claim / release over two words',
    slots: 33,
    taken: 32,
    roles: [claimAndRelease, claimAndRelease, holdThenRelease(1)],
  },
  {
    name: 'release / release / waiter',
    slots: 2,
    roles: [holdThenRelease(1), holdThenRelease(1), waitBlocking(1)],
    points: 1,
  },
  {
    name: 'claim / release / waiter where another one left',
    slots: 1,
    isFlagStale: true,
    roles: [holdThenRelease(1), claimAndRelease, waitBlocking(1)],
    points: 1,
  },
  { name: 'release / release of buddies', maxOrder: 6, roles: [holdThenRelease(1), holdThenRelease(1)] },
  { name: 'release / release of buddies, three levels', maxOrder: 11, roles: [holdThenRelease(1), holdThenRelease(1)] },
  { name: 'split / coalesce', maxOrder: 6, roles: [churn(1), holdThenRelease(1)] },
  { name: 'coalesce / claim of the buddy', maxOrder: 6, roles: [holdThenRelease(1), claimAndKeep], points: 1, kept: 1 },
  {
    name: 'split / coalesce beside a live buddy',
    maxOrder: 6,
    roles: [churn(1), holdThenRelease(1), holdThenRelease(1)],
  },
  { name: 'split / split', maxOrder: 6, roles: [churn(1), churn(2)] },
  { name: 'split / claim of everything', maxOrder: 6, roles: [churn(1), churn(64)] },
  { name: 'release into words left behind', maxOrder: 6, roles: [releaseBehind, claimAndKeep], points: 1, kept: 1 },
  { name: 'claim / claim of everything where a word rests', maxOrder: 6, roles: [churn(64), rest, restThenClaim] },
  {
    name: 'two claims of everything where words rest',
    maxOrder: 6,
    roles: [rest, rest, holdAll, holdAll],
    points: 1,
    kept: 1,
  },
  {
    name: 'two waiters for everything where words rest',
    maxOrder: 6,
    roles: [rest, rest, waitBlocking(64), waitBlocking(64)],
    points: 2,
  },
  { name: 'release / waiter for everything', maxOrder: 6, roles: [holdThenRelease(1), waitBlocking(64)], points: 1 },
  {
    name: 'release / claim of everything / waiter for everything',
    maxOrder: 6,
    roles: [holdThenRelease(1), churn(64), waitBlocking(64)],
  },
  {
    name: 'release / release into one word / waiter for it',
    maxOrder: 6,
    taken: 62,
    roles: [holdThenRelease(1), holdThenRelease(1), waitBlocking(2)],
    points: 1,
  },
  {
    name: 'two claim from one word / claim of all of it',
    maxOrder: 6,
    taken: 62,
    roles: [churn(1), churn(1), churn(2)],
  },
  {
    name: 'closing what rests / waiter for a part of it',
    maxOrder: 6,
    taken: 62,
    roles: [rest, measure, waitBlocking(1)],
    points: 1,
  },
  {
    name: 'detaching with a word that rests / waiter',
    maxOrder: 6,
    roles: [restThenDetach, waitBlocking(64)],
    points: 1,
  },
  { name: 'release / waiter', slots: 1, roles: [holdThenRelease(1), waitBlocking(1)], points: 1 },
  { name: 'release / two waiters', slots: 1, roles: [holdThenRelease(1), waitBlocking(1), waitBlocking(1)], points: 2 },
  {
    name: 'release of buddies / waiter for both',
    maxOrder: 1,
    roles: [holdThenRelease(1), holdThenRelease(1), waitBlocking(2)],
    points: 1,
  },
  { name: 'send / receive / close', slots: 2, capacity: 1, roles: [sendTwo, receiveAll], points: 2 },
  { name: 'send / two receivers / close', slots: 2, capacity: 2, roles: [sendTwo, receiveAll, receiveAll], points: 2 },
  { name: 'ticket redeemed twice', slots: 1, roles: [redeem, redeem], points: 1 },
  { name: 'release / release of one allocation', slots: 1, capacity: 1, roles: [shareThenRelease, receiveThenRelease] },
  { name: 'death in a claim', slots: 1, roles: [claimAndKeep, reclaimTheDead, claimAndRelease], victim: 0 },
  {
    name: 'death in a release, another holder releases',
    slots: 1,
    capacity: 1,
    roles: [shareThenRelease, receiveThenRelease, reclaimTheDead],
    victim: 0,
  },
  { name: 'death in a split and a coalesce', maxOrder: 6, roles: [churn(1), reclaimTheDead, churn(1)], victim: 0 },
  {
    name: 'death in a coalesce beside its buddy',
    maxOrder: 6,
    roles: [holdThenRelease(1), holdThenRelease(1), reclaimTheDead],
    victim: 0,
  },
  {
    name: 'death in a release into words left behind',
    maxOrder: 6,
    roles: [releaseBehind, reclaimTheDead, claimAndRelease],
    victim: 0,
  },
  {
    name: 'death of who leaves a word open, another waits',
    maxOrder: 6,
    roles: [restThenClaim, reclaimTheDead, waitBlocking(64)],
    victim: 0,
  },
  {
    name: 'death of who closes what rests',
    maxOrder: 6,
    roles: [churn(64), reclaimTheDead, restThenClaim],
    victim: 0,
  },
  {
    name: 'death of one of two that claim from one word',
    maxOrder: 6,
    taken: 62,
    roles: [holdThenRelease(1), holdThenRelease(1), reclaimTheDead],
    victim: 0,
  },
  {
    name: 'death in a send, another receives',
    slots: 2,
    capacity: 1,
    roles: [sendOne, reclaimTheDead, receiveOne],
    victim: 0,
  },
  {
    name: 'death in a receive, another receives',
    slots: 2,
    capacity: 2,
    roles: [receiveOne, reclaimTheDead, receiveOne, sendOne],
    victim: 0,
  },
  {
    name: 'death while waiting, another waits',
    slots: 1,
    roles: [waitBlocking(1), holdThenRelease(1), reclaimTheDead],
    victim: 0,
  },
  { name: 'death in a redeem, another redeems', slots: 1, roles: [redeem, reclaimTheDead, redeem], victim: 0 },
  {
    name: 'death in a release over two words',
    slots: 33,
    taken: 32,
    roles: [holdThenRelease(1), claimAndRelease, reclaimTheDead],
    victim: 0,
  },
  {
    name: 'death of who reclaims',
    slots: 2,
    roles: [holdForEver, reclaimFirst, reclaimBoth],
    dead: 0,
    victim: 1,
  },
  { name: 'reclaim / release', slots: 2, roles: [holdForEver, reclaimFirst, claimAndRelease], dead: 0 },
  { name: 'two reclaim at once', slots: 2, roles: [holdForEver, reclaimFirst, reclaimFirst], dead: 0 },
];
