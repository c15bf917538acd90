/**
 * A path as the operating system stores it: bytes, with one character (U+0000 to U+00FF) per byte. File names need not
 * be UTF-8, and these strings sort in the order of `LC_ALL=C sort`.
 */
export type RawPath = string & { readonly __brand: 'RawPath' };

/** Converts a command line argument. */
export function fromArgument(argument: string): RawPath {
  return Buffer.from(argument, 'utf8').toString('latin1') as RawPath;
}

/** Converts a path for `node:fs`. */
export function toBuffer(path: RawPath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** Converts a path to text, for people and JSON. Malformed UTF-8 becomes U+FFFD. */
export function toText(path: RawPath): string {
  return toBuffer(path).toString('utf8');
}

/** Joins the path of an entry as `find` does: with a slash, unless the folder ends with one. */
export function joined(folder: RawPath, entry: string): RawPath {
  return (folder.endsWith('/') ? folder + entry : `${folder}/${entry}`) as RawPath;
}
