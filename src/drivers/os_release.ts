import { readFileSync } from 'node:fs';

export interface OsRelease {
  /** `debian`, `ubuntu`, `fedora` …; '' if unknown. */
  id: string;
  /** `12`; '' for releases without a number. */
  version: string;
  codename: string;
  /** The id, and the ids of distributions it is like. */
  family: ReadonlySet<string>;
  /** Name for people. */
  name: string;
}

/** Parses /etc/os-release; see os-release(5). All fields are empty on other systems. */
export function osRelease(text: string = readOsRelease()): OsRelease {
  const field = (name: string) => new RegExp(`^${name}=["']?([^"'\n]*)["']?$`, 'm').exec(text)?.[1] ?? '';
  const id = field('ID');
  return {
    id,
    version: field('VERSION_ID'),
    codename: field('VERSION_CODENAME'),
    family: new Set([id, ...field('ID_LIKE').split(' ')].filter(Boolean)),
    name: field('PRETTY_NAME'),
  };
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Not a Linux with such a file.
    return '';
  }
}
