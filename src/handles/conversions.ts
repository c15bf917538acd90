/**
 * Keeps the language from turning a handle into zeros. An object with a `length` and without indices is an array of
 * `undefined` to `typedArray.set`, `Array.prototype` methods and others, and they write zeros. So index 0 throws.
 */
export function refuseIndices<Handle extends object>(prototype: Handle, advice: string): void {
  Object.defineProperty(prototype, '0', {
    get(): never {
      throw new TypeError(advice);
    },
  });
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * What a template literal, `+`, `new Blob([bytes])` and `Number(bytes)` make of bytes: text, if they are well-formed
 * UTF-8.
 * @throws TypeError for other bytes, and where a number is asked for
 */
export function toPrimitive(hint: string, name: string, copy: () => Uint8Array): string {
  if (hint === 'number')
    throw new TypeError(`${name} cannot be converted to a number: read it with getU32() or the like`);
  const content = copy();
  try {
    return strictDecoder.decode(content);
  } catch (cause) {
    throw new TypeError(`${name} that are not UTF-8 cannot become text by themselves: use view or toString(encoding)`, {
      cause,
    });
  }
}
