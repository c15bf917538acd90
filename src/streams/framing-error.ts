import { ArenaError } from '../index.js';

/** The reason why a stream could not be cut into records. */
export type FramingErrorCode = 'RECORD_TOO_LARGE' | 'RECORD_TRUNCATED' | 'RECORD_MALFORMED';

/**
 * Thrown when a record is longer than allowed, when its length makes no sense, or when the stream ends in the middle of
 * it.
 */
export class FramingError extends ArenaError {
  override readonly name: string = 'FramingError';
  declare readonly code: FramingErrorCode;

  constructor(code: FramingErrorCode, message: string) {
    super(code, message);
  }
}

export function tooLarge(what: string, maxLength: number): FramingError {
  return new FramingError('RECORD_TOO_LARGE', `${what} exceeds the limit of ${maxLength} bytes (maxLength)`);
}
