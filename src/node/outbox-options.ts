import { checkInteger, describe } from '../base/check.js';
import { LONGEST_TIMEOUT } from '../waiting/wait-options.js';

const RULES = ['wait', 'skip', 'dropOldest', 'close'] as const;

/** What happens to a frame when there is no room for it. */
export type SlowRule = (typeof RULES)[number];

export interface OutboxOptions {
  /** The most frames that are queued or being written. Default 64. */
  readonly maxFrames?: number | undefined;
  /** The most bytes that are queued or being written. A larger frame goes alone. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** What happens to a frame when there is no room. Default `'wait'`. */
  readonly whenSlow?: SlowRule | undefined;
  /**
   * For how many ms the receiver may take nothing before `whenSlow` applies. Until then `send` waits. Default 250. With
   * 0 nobody waits; `'close'` needs 1 or more.
   */
  readonly patience?: number | undefined;
  /** The most frames in one vectored write. Default 256. */
  readonly maxBatchFrames?: number | undefined;
  /** The most bytes in one vectored write. A larger frame goes alone. Default 256 KiB. */
  readonly maxBatchBytes?: number | undefined;
}

export type OutboxLimits = { readonly [Name in keyof OutboxOptions]-?: NonNullable<OutboxOptions[Name]> };

/** @throws TypeError, RangeError for bad options */
export function checkOutboxOptions(options: OutboxOptions): OutboxLimits {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object, got ${describe(options)}`);
  }
  const { whenSlow = 'wait' } = options;
  if (!RULES.includes(whenSlow)) {
    throw new TypeError(`whenSlow must be ${RULES.map((rule) => `'${rule}'`).join(', ')}, got ${describe(whenSlow)}`);
  }
  return {
    maxFrames: checkInteger(options.maxFrames ?? 64, 'maxFrames', 1),
    maxBytes: checkInteger(options.maxBytes ?? 1024 * 1024, 'maxBytes', 1),
    whenSlow,
    patience: checkInteger(options.patience ?? 250, 'patience', whenSlow === 'close' ? 1 : 0, LONGEST_TIMEOUT),
    maxBatchFrames: checkInteger(options.maxBatchFrames ?? 256, 'maxBatchFrames', 1),
    maxBatchBytes: checkInteger(options.maxBatchBytes ?? 256 * 1024, 'maxBatchBytes', 1),
  };
}
