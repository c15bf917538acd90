import { PassThrough, Writable } from 'node:stream';
import type { Dice } from '../fuzz/dice.js';
import { pause } from './sources.js';

/** A stream that is fast, slow or stuck, and may fail, close or end at any point. */
export interface Receiver {
  readonly stream: Writable;
  /** What arrived. */
  readonly got: () => Buffer;
  /** Whether it neither failed, closed nor ended by itself. */
  readonly isSound: () => boolean;
  /** The first time that bytes changed while the stream was to read them. */
  readonly damage: () => string | undefined;
  /** Settles when the other end of the stream has read all. */
  readonly isRead: Promise<void>;
  /** Lets go of a stuck stream. */
  free(): void;
}

type Written = (error?: Error | null) => void;

/** It looks at the bytes when they are written and again when it is done with them: they must be the same. */
class Probe extends Writable {
  readonly arrived: Buffer[] = [];
  isSound = true;
  damage: string | undefined;
  protected readonly dice: Dice;
  private readonly isStuck: boolean;
  private readonly ends: number;
  private stuck: (() => void)[] = [];
  private isReading = false;
  private onRead: () => void = () => undefined;

  constructor(dice: Dice, options: object = {}) {
    super({ highWaterMark: 1 + dice.below(500), autoDestroy: !dice.oneIn(6), ...options });
    this.dice = dice;
    this.isStuck = dice.oneIn(4);
    this.ends = dice.oneIn(3) ? dice.below(12) : Number.POSITIVE_INFINITY;
    this.on('error', () => undefined);
    this.on('close', () => {
      if (!this.writableFinished) this.isSound = false;
    });
  }

  override _write(chunk: Buffer, _encoding: string, written: Written): void {
    void this.read([chunk], written);
  }

  /** As files and sockets do, it does not close while it reads. */
  override _destroy(error: Error | null, closed: (error?: Error | null) => void): void {
    if (this.isReading) this.onRead = () => closed(error);
    else closed(error);
  }

  protected async read(chunks: readonly Buffer[], written: Written): Promise<void> {
    this.isReading = true;
    await this.look(chunks, (error) => {
      this.isReading = false;
      written(error); // the stream may begin the next read in this call
      if (!this.isReading) this.onRead();
    });
  }

  private async look(chunks: readonly Buffer[], written: Written): Promise<void> {
    const before = chunks.map((chunk) => Buffer.from(chunk));
    if (this.arrived.length >= this.ends) {
      this.isSound = false;
      if (this.dice.oneIn(3)) {
        written(new Error('the receiver failed'));
        return;
      }
      this.destroy(this.dice.oneIn(2) ? new Error('the receiver was destroyed') : undefined);
    }
    if (this.isStuck && this.dice.oneIn(4)) await new Promise<void>((resolve) => void this.stuck.push(resolve));
    if (!this.dice.oneIn(3)) await pause(this.dice);
    chunks.forEach((chunk, index) => {
      if (!chunk.equals(before[index] as Buffer)) this.damage ??= `${before[index]} became ${chunk}`;
    });
    this.arrived.push(...before);
    written();
  }

  free(): void {
    for (const resolve of this.stuck.splice(0)) resolve();
  }
}

class VectorProbe extends Probe {
  override _writev(chunks: { readonly chunk: Buffer }[], written: Written): void {
    void this.read(
      chunks.map(({ chunk }) => chunk),
      written,
    );
  }
}

export function randomReceiver(dice: Dice): Receiver {
  if (dice.oneIn(6)) return passThrough(dice);
  const probe = dice.oneIn(3) ? new Probe(dice) : new VectorProbe(dice);
  return {
    stream: probe,
    got: () => Buffer.concat(probe.arrived),
    isSound: () => probe.isSound,
    damage: () => probe.damage,
    isRead: Promise.resolve(),
    free: () => probe.free(),
  };
}

/** It passes the memory on and never tells when that was read. */
function passThrough(dice: Dice): Receiver {
  const stream = new PassThrough({ highWaterMark: 1 + dice.below(500) });
  const got: Buffer[] = [];
  let isSound = true;
  const isRead = (async () => {
    try {
      for await (const chunk of stream) {
        await pause(dice);
        got.push(chunk as Buffer);
      }
    } catch {
      isSound = false;
    }
  })();
  return {
    stream,
    got: () => Buffer.concat(got),
    isSound: () => isSound,
    damage: () => undefined,
    isRead,
    free: () => undefined,
  };
}
