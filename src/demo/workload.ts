/** How a program of the demo makes, shares and drops messages. */
export interface Messages<Message> {
  /** A message of `size` bytes, all equal to `fill`. Undefined when there is no memory for it now. */
  make(size: number, fill: number): Message | undefined;
  /** A reference of another consumer. */
  share(message: Message): Message;
  /** The first byte. */
  first(message: Message): number;
  drop(message: Message): void;
}

/** Consumers of each message. */
const CONSUMERS = 8;

/** Messages that the slowest consumer lags behind. */
const MOST_BEHIND = 64;

/** Most messages are small, some are not: bytes, and how many of 100 messages have up to that size. */
const SIZES: readonly (readonly [size: number, share: number])[] = [
  [512, 60],
  [4096, 30],
  [65_536, 10],
];

/** ms of work, and of rest after it: the demo leaves half of a core to others. */
const WORK = 5;
const REST = 5;

/** Writes messages, gives each to several consumers that lag behind, and reads them there. */
export class Workload<Message> {
  /** Messages made so far. */
  count = 0;
  private readonly messages: Messages<Message>;
  private readonly queues: Message[][] = Array.from({ length: CONSUMERS }, () => []);
  private random = 1;

  constructor(messages: Messages<Message>) {
    this.messages = messages;
  }

  start(): void {
    const work = (): void => {
      for (const end = performance.now() + WORK; performance.now() < end; ) this.step();
      setTimeout(work, REST);
    };
    work();
  }

  /** The largest number of messages that are alive. */
  static get mostLive(): number {
    return MOST_BEHIND + 2;
  }

  static get sizes(): readonly number[] {
    return SIZES.map(([size]) => size);
  }

  private step(): void {
    const { messages, queues } = this;
    const fill = this.count & 255;
    const message = messages.make(this.size(), fill);
    if (message === undefined) return;
    for (const [index, queue] of queues.entries()) {
      queue.push(messages.share(message));
      // The first consumer is quick, and the last one lags behind.
      const behind = Math.ceil((MOST_BEHIND * (index + 1)) / CONSUMERS);
      while (queue.length > behind) this.consume(queue.shift() as Message);
    }
    messages.drop(message);
    this.count++;
  }

  private consume(message: Message): void {
    if (!(this.messages.first(message) >= 0)) throw new Error('a message is damaged');
    this.messages.drop(message);
  }

  /** The same sizes in both programs: a linear congruential generator (Park and Miller, "minimal standard", 1988). */
  private size(): number {
    this.random = (this.random * 48_271) % 2_147_483_647;
    let share = this.random % 100;
    for (const [size, part] of SIZES) {
      if (share < part) return Math.ceil(size / 2) + (this.random % Math.floor(size / 2));
      share -= part;
    }
    return 1;
  }
}
