export function buildWeb(folder?: string): Promise<string>;
