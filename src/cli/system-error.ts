import { getSystemErrorMap } from 'node:util';

/** Whether `error` came from the operating system. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { errno: number; code: string } {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' && 'code' in error;
}

/** What GNU tools print after the path: "Permission denied" for EACCES. */
export function describeError(error: unknown): string {
  if (!isSystemError(error)) return error instanceof Error ? error.message : String(error);
  const message = getSystemErrorMap().get(error.errno)?.[1] ?? error.code;
  return message.charAt(0).toUpperCase() + message.slice(1);
}
