export const EVENTS = 1000;
export const EVENT_BYTES = 200;

export function eventText(number: number): string {
  return `data: ${String(number).padEnd(EVENT_BYTES - 8, '.')}\n\n`;
}
