/** For a callback that nobody has set yet. One function serves all objects. */
export function doNothing(): void {}
