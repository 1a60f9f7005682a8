/** Entries that are asked for at once where a list is read through. */
export const PAGE_SIZE = 100;
