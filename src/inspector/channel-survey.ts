import { inspect } from 'node:util';
import type { BytesChannel } from '../index.js';
import type { ArenaSnapshot } from './snapshot.js';

/** Looks at a channel between threads. */
export class ChannelSurvey {
  private readonly name: string;
  private readonly channel: BytesChannel;

  constructor(name: string, channel: BytesChannel) {
    this.name = name;
    this.channel = channel;
  }

  look(): ArenaSnapshot {
    const { name, channel } = this;
    const { length, capacity } = channel.toJSON();
    return { kind: 'channel', name, title: inspect(channel), metrics: { length, capacity }, threads: [], sites: [] };
  }
}
