export function distIsStale(): boolean;
