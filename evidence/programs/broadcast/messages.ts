export const MESSAGES = 4000;
