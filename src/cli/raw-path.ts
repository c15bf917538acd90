/**
 * A path as the operating system has it: bytes, one per character (U+0000 to U+00FF). File names need not be UTF-8, and
 * comparing such strings sorts as `LC_ALL=C sort` does.
 */
export type RawPath = string & { readonly __brand: 'RawPath' };

/** The bytes of an argument of the command line. */
export function fromArgument(argument: string): RawPath {
  return Buffer.from(argument, 'utf8').toString('latin1') as RawPath;
}

/** What `node:fs` takes. */
export function toBuffer(path: RawPath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** For people and JSON; bytes that are no UTF-8 become U+FFFD. */
export function toText(path: RawPath): string {
  return toBuffer(path).toString('utf8');
}

/** The path of an entry, joined as `find` does: a slash unless the folder ends with one. */
export function joined(folder: RawPath, entry: string): RawPath {
  return (folder.endsWith('/') ? folder + entry : `${folder}/${entry}`) as RawPath;
}
