import {
  BuddyArena,
  type Bytes,
  BytesChannel,
  FixedArena,
  SharedBuddyArena,
  SharedFixedArena,
  type Ticket,
} from 'arena-alligator';
import type { SharedThread } from '#internal/shared/thread';
import { auditArena } from '../../test/support/audit.js';
import { addBuffer, type Operation } from './arena-ops.js';
import { contentOf } from './checks.js';
import type { Dice } from './dice.js';
import { anything, hostileOptions } from './hostile.js';
import { type ArenaModel, type Block, type BytesModel, MOST_BYTES, remove, type World } from './model.js';
import { attempt, expectBytes, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';
import { anyWaitOptions, WaitWorld } from './wait-ops.js';

/** Bytes in a channel or in a ticket. */
interface Message {
  readonly block: Block | undefined;
  readonly content: Uint8Array;
  readonly offset: number;
}

interface ChannelModel {
  readonly channel: BytesChannel;
  readonly model: ArenaModel;
  readonly queue: Message[];
  pendingSends: number;
  pendingReceives: number;
  isClosed: boolean;
}

/** A world of shared arenas with channels and tickets, all used by one thread. */
export class SharedWorld extends WaitWorld {
  readonly channels: ChannelModel[] = [];
  readonly tickets: { readonly ticket: Ticket; readonly model: ArenaModel; message: Message | undefined }[] = [];

  constructor(dice: Dice, nets: readonly string[]) {
    super(dice, [...nets, ...(dice.oneIn(2) ? ['shared', 'async'] : ['shared'])], 1 + dice.below(2));
    for (const model of this.arenas) {
      const arena = sharedOf(model);
      const channel = BytesChannel.create(arena, { capacity: 1 + dice.below(5) });
      this.channels.push({ channel, model, queue: [], pendingSends: 0, pendingReceives: 0, isClosed: false });
    }
  }

  override async finish(): Promise<void> {
    for (const entry of this.channels) {
      entry.channel.close();
      entry.isClosed = true;
    }
    await this.settle();
    for (const entry of this.channels) {
      while (entry.queue.length > 0) tryReceive(this, entry)?.handle.length;
      expectSame(entry.channel.tryReceive(), undefined, 'a message from an empty channel');
      expectSame(entry.pendingSends + entry.pendingReceives, 0, 'calls that still wait at a closed channel');
    }
    for (const { ticket, model, message } of this.tickets)
      if (message !== undefined) redeemMessage(this, ticket, model, message);
    await super.finish();
    for (const model of this.arenas) leave(model);
  }
}

function sharedOf({ arena }: ArenaModel): SharedFixedArena | SharedBuddyArena {
  if (arena instanceof SharedFixedArena || arena instanceof SharedBuddyArena) return arena;
  throw new Finding('shared() did not build a shared arena');
}

function attachAgain(arena: SharedFixedArena | SharedBuddyArena): object {
  return arena instanceof SharedFixedArena
    ? FixedArena.attach(structuredClone(arena.handle()))
    : BuddyArena.attach(structuredClone(arena.handle()));
}

/** Audits an arena that is no longer in use, and detaches from it. Calls after that must fail. */
function leave(model: ArenaModel): void {
  const arena = sharedOf(model);
  const { thread } = arena as unknown as { thread: SharedThread };
  const wrong = auditArena(thread.tools);
  if (wrong.length > 0) throw new Finding(`the audit found: ${wrong.slice(0, 5).join('; ')}`);
  arena.detach();
  attempt('handle() after detach()', Fails.Build, 0, () => arena.handle());
  attempt('allocate() after detach()', Fails.Closed, 0, () => arena.allocate(1));
  attempt('redeem() after detach()', Fails.Closed | Fails.Type, 0, () => arena.redeem({} as Ticket));
}

function messageOf(model: BytesModel): Message {
  return { block: model.block, content: contentOf(model), offset: model.offset };
}

/** Adds the bytes of a received message. They must be equal to those that were sent. */
function arrived(world: World, handle: Bytes, { block, content, offset }: Message): BytesModel {
  const bytes: BytesModel = {
    handle,
    block,
    content,
    from: 0,
    to: content.length,
    offset,
    visible: block?.size ?? 0,
  };
  if (block?.owner?.isGone !== true) expectBytes(handle.toUint8Array(), content, 'bytes that arrived');
  world.bytes.push(bytes);
  return bytes;
}

function redeemMessage(world: World, ticket: Ticket, model: ArenaModel, message: Message): void {
  const arena = sharedOf(model);
  const { value: handle } = attempt('redeem', 0, 0, () => arena.redeem(ticket));
  if (handle !== undefined) arrived(world, handle, message);
}

const useTicket: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld)) return;
  const known = dice.from(world.tickets);
  if (known !== undefined && (dice.oneIn(2) || world.tickets.length > 12)) {
    const { ticket, model, message } = known;
    if (message === undefined) {
      const arena = sharedOf(model);
      const may = ticket.arena === '' ? 0 : Fails.Released;
      const { value } = attempt('redeem of a used ticket', may, 0, () => arena.redeem(ticket));
      value?.release();
      remove(world.tickets, known);
    } else {
      known.message = undefined;
      redeemMessage(world, dice.oneIn(2) ? ticket : structuredClone(ticket), model, message);
    }
    return;
  }
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const owner = model.block?.owner;
  const isLocal = model.block !== undefined && owner === undefined;
  const { value: ticket } = attempt('toTicket', isLocal ? Fails.Type : 0, 0, () => model.handle.toTicket());
  if (ticket === undefined) return;
  remove(world.bytes, model);
  world.bury(model.handle);
  const of = owner ?? world.arenas[0];
  if (of !== undefined) world.tickets.push({ ticket, model: of, message: messageOf(model) });
};

/** Redeems a value that is not a ticket, or a ticket whose `message` changes between two reads. */
const useFalseTicket: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld)) return;
  const arena = sharedOf(dice.pick(world.arenas));
  const known = dice.from(world.tickets);
  const fields = known?.ticket ?? { type: 'arena-alligator/ticket', arena: '', message: -1, state: 0 };
  const answers = [dice.below(5), dice.pick([0.5, 0.25, Number.NaN, 2 ** 20, -1, 'x'])];
  const may = Fails.Type | Fails.Released | Fails.Marker;
  const ticket = dice.oneIn(2)
    ? anything(dice)
    : {
        ...fields,
        // A state that no ticket has reached. With another state, this could by chance be an open ticket that is valid.
        state: dice.pick([0x416c_6c41, 2 ** 31 - 1, 2 ** 40 + 1]),
        get message(): unknown {
          return answers.length > 1 ? answers.shift() : answers[0];
        },
      };
  attempt('redeem of a false ticket', fields.arena === '' ? 0 : may, may, () =>
    arena.redeem(ticket as Ticket).release(),
  );
};

const trySend: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld)) return;
  const entry = dice.from(world.channels);
  const model = dice.from(world.bytes);
  if (entry === undefined || model === undefined) return;
  const { channel, queue } = entry;
  const isForeign = model.to > model.from && model.block?.owner !== entry.model;
  const must = isForeign ? Fails.Type : entry.isClosed ? Fails.ChannelClosed : 0;
  const { value } = attempt('trySend', must, 0, () => channel.trySend(model.handle));
  if (value === undefined) return;
  const isQuiet = entry.pendingSends + entry.pendingReceives === 0;
  if (isQuiet) expectSame(value, queue.length < channel.capacity, 'trySend');
  if (value) sent(world, entry, model);
};

function sent(world: World, { queue }: ChannelModel, model: BytesModel): void {
  remove(world.bytes, model);
  world.bury(model.handle);
  const message = messageOf(model);
  // Empty bytes take no memory with them.
  if (message.content.length === 0) model.block?.drop();
  queue.push(message.content.length === 0 ? { ...message, block: undefined } : message);
}

function tryReceive(world: World, { channel, queue, pendingSends }: ChannelModel): BytesModel | undefined {
  const { value: handle } = attempt('tryReceive', 0, 0, () => channel.tryReceive());
  if (handle === undefined) {
    if (pendingSends === 0) expectSame(queue.length, 0, 'messages of a channel that returned none');
    return undefined;
  }
  const message = queue.shift();
  if (message === undefined) throw new Finding('a message was received that was never sent');
  return arrived(world, handle, message);
}

const receiveNow: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld) || world.bytes.length >= MOST_BYTES) return;
  const entry = dice.from(world.channels);
  if (entry !== undefined) tryReceive(world, entry);
};

const CHANNEL_ENDS: number = Fails.Wait | Fails.Marker | Fails.Type | Fails.Range | Fails.Closed;

const sendLater: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld)) return;
  const entry = dice.from(world.channels);
  const model = dice.from(world.bytes);
  if (entry === undefined || model === undefined || entry.pendingSends > 6) return;
  const { options } = anyWaitOptions(world, dice);
  entry.pendingSends++;
  const may = CHANNEL_ENDS | Fails.ChannelClosed | Fails.Released;
  world.follow(
    'send',
    entry.channel.send(model.handle, options),
    may,
    () => {
      entry.pendingSends--;
      if (!world.bytes.includes(model)) throw new Finding('bytes were sent after their handle was given up');
      sent(world, entry, model);
    },
    () => {
      entry.pendingSends--;
    },
  );
};

const receiveLater: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld) || world.bytes.length >= MOST_BYTES) return;
  const entry = dice.from(world.channels);
  if (entry === undefined || entry.pendingReceives > 6) return;
  const { options } = anyWaitOptions(world, dice);
  entry.pendingReceives++;
  world.follow(
    'receive',
    entry.channel.receive(options),
    CHANNEL_ENDS,
    async (handle) => {
      // A send that hostile code re-entered may be told after the receive of its message.
      for (let tick = 0; tick < 4 && handle !== undefined && entry.queue.length === 0; tick++) await undefined;
      entry.pendingReceives--;
      if (handle === undefined) return expectSame(entry.isClosed, true, 'whether a channel that ended was closed');
      const message = entry.queue.shift();
      if (message === undefined) throw new Finding('a message was received that was never sent');
      arrived(world, handle, message);
    },
    () => {
      entry.pendingReceives--;
    },
  );
};

const lookAtChannel: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld)) return;
  const entry = dice.from(world.channels);
  if (entry === undefined) return;
  const { channel, model } = entry;
  const arena = sharedOf(model);
  if (entry.pendingSends + entry.pendingReceives === 0) expectSame(channel.length, entry.queue.length, 'messages');
  expectSame(channel.isClosed, entry.isClosed, 'isClosed of a channel');
  const again = attempt('attach', 0, 0, () => attachAgain(arena));
  expectSame(again.value, arena, 'the result of attach');
  expectSame(BytesChannel.attach(structuredClone(channel.handle())).capacity, channel.capacity, 'capacity');
  if (dice.oneIn(2)) {
    const falseHandle = dice.oneIn(2) ? anything(dice) : hostileOptions(dice, { ...channel.handle() });
    attempt('attach of a false handle', 0, Fails.Type | Fails.Build | Fails.Marker, () =>
      BytesChannel.attach(falseHandle as never),
    );
  }
  if (dice.oneIn(4)) {
    const capacity = anything(dice);
    const must = refusalOfInteger(capacity, 1, 65_536);
    attempt('create', must, Fails.Marker, () => BytesChannel.create(arena, { capacity: capacity as number }).close());
  }
  if (dice.oneIn(2)) attempt('reclaim of this thread', Fails.Range, 0, () => arena.reclaim(arena.threadId));
  if (dice.oneIn(24)) {
    entry.isClosed = true;
    channel.close();
  }
};

/** Waits at most for the very short `timeout`. An empty arena must have memory at once. */
function allocateBlocking(world: World, model: ArenaModel, timeout: unknown): void {
  const arena = sharedOf(model);
  const invalid = refusalOfInteger(timeout, 0, 2 ** 31 - 1);
  const may = model.isClosed ? Fails.Closed : Fails.Wait;
  const size = model.blockFor(1);
  const isFixed = arena instanceof SharedFixedArena;
  const { failure, value } = attempt('allocateBlocking', invalid, may, () =>
    isFixed ? arena.allocateBlocking(timeout as number) : arena.allocateBlocking(1, timeout as number),
  );
  if (failure === Fails.Closed) model.allocationsFailed++;
  if (failure === Fails.Wait && model.bytesLive === 0)
    throw new Finding('allocateBlocking found no memory in an empty arena');
  if (value !== undefined && size !== undefined) addBuffer(world, model, value, size, 1);
}

const block: Operation = (world, dice) => {
  if (!(world instanceof SharedWorld) || !dice.oneIn(8)) return;
  const entry = dice.from(world.channels);
  if (entry === undefined || entry.queue.length > 0 || entry.pendingSends > 0) return;
  const { channel } = entry;
  const timeout = dice.oneIn(2) ? 0 : anything(dice);
  if (timeout === undefined || (typeof timeout === 'number' && timeout > 1)) return;
  const must = refusalOfInteger(timeout, 0, 2 ** 31 - 1) || (entry.isClosed ? 0 : Fails.Wait);
  attempt('receiveBlocking', must, 0, () => channel.receiveBlocking(timeout as number));
  allocateBlocking(world, entry.model, timeout);
};

export const SHARED_OPERATIONS: readonly (readonly [number, Operation])[] = [
  [8, useTicket],
  [2, useFalseTicket],
  [8, trySend],
  [7, receiveNow],
  [4, sendLater],
  [4, receiveLater],
  [1, lookAtChannel],
  [1, block],
];
