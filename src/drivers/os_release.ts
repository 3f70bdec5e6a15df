import { readFileSync } from 'node:fs';

export interface OsRelease {
  /** `debian`, `ubuntu`, `fedora` …; '' where nobody says. */
  id: string;
  /** `12`; '' for releases without a number. */
  version: string;
  codename: string;
  /** The id and what the distribution calls itself like. */
  family: ReadonlySet<string>;
  /** For people. */
  name: string;
}

/** What /etc/os-release says; see os-release(5). All empty on other systems. */
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
    // Not a Linux that says what it is.
    return '';
  }
}
