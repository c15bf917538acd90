import type { Profile } from './program.js';

/** Which findings were shown before. Two with the same words and other numbers count as one. */
export class KnownFindings {
  private readonly subjects = new Set<string>();

  has(profile: Pick<Profile, 'name'>, error: Error): boolean {
    return this.subjects.has(subjectOf(profile, error));
  }

  /**
   * Notes a failure and what it shrank to.
   * @returns whether the shrunk failure is to be shown: it was not known before this failure
   */
  note(profile: Pick<Profile, 'name'>, error: Error, shrunk: Error): boolean {
    const isNew = !this.has(profile, shrunk);
    this.subjects.add(subjectOf(profile, error)).add(subjectOf(profile, shrunk));
    return isNew;
  }
}

function subjectOf({ name }: Pick<Profile, 'name'>, error: Error): string {
  return `${name}: ${error.message.split('\n')[0]?.replace(/\d+/g, 'N')}`;
}
