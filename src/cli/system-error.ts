import { getSystemErrorMap } from 'node:util';

/** Whether `error` came from the operating system. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { errno: number; code: string } {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' && 'code' in error;
}

// The messages in which libuv differs from the C library.
const GNU_MESSAGES: Readonly<Record<string, string>> = {
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EIO: 'Input/output error',
};

/** Describes an error in the words that GNU tools print after the path, such as "Permission denied" for EACCES. */
export function describeError(error: unknown): string {
  if (!isSystemError(error)) return error instanceof Error ? error.message : String(error);
  const gnu = GNU_MESSAGES[error.code];
  if (gnu !== undefined) return gnu;
  const message = getSystemErrorMap().get(error.errno)?.[1] ?? error.code;
  return message.charAt(0).toUpperCase() + message.slice(1);
}
