/** @param byWidth milliseconds an answer, by the network's width in pixels */
export function timeNetworks(byWidth: Partial<Record<64 | 128, number>>): string;
