import type { Profile, Program } from './program.js';

/** The error that a program throws; undefined when it passes. */
export async function failureOfRun(profile: Profile, program: Program): Promise<Error | undefined> {
  try {
    await profile.run(program);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * Finds a shorter program that fails too (delta debugging): it leaves out parts, first halves and in the end single
 * numbers, as long as the program still fails. The first number makes the arenas and stays.
 * @param most how often it may run a program
 */
export async function shrink(profile: Profile, program: Program, most = 4000): Promise<Program> {
  let best = program;
  let runs = 0;
  for (let size = best.length >> 1; size >= 1; ) {
    let shrank = false;
    for (let at = best.length - size; at >= 1 && runs < most; at -= size) {
      const shorter = [...best.slice(0, at), ...best.slice(at + size)];
      runs++;
      if ((await failureOfRun(profile, shorter)) === undefined) continue;
      best = shorter;
      shrank = true;
    }
    if (!shrank || size > 1) size >>= 1;
    if (runs >= most) break;
  }
  return best;
}

/** A failing program as a line for the list in test/project/fuzz-findings.test.ts. */
export function caseOf(profile: Profile, program: Program, error: Error): string {
  const what = JSON.stringify((error.message.split('\n')[0] ?? '').slice(0, 100));
  return `{ broke: ${what}, profile: '${profile.name}', program: [${program.join(', ')}] },`;
}
