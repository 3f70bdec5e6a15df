import type { LibraryHandle } from 'koffi';
import { PixtapeError } from '../../engine/util/errors.ts';

/** The environment variable that names the library. */
export const MPI_VARIABLE = 'PIXTAPE_MPI';

type KoffiFunction = ReturnType<LibraryHandle['func']>;
type Flavour = 'Open MPI' | 'MPICH';

/** The two ABIs of MPI libraries. Intel's and Cray's use MPICH's. */
const FILES: Readonly<Record<Flavour, readonly string[]>> =
  process.platform === 'darwin'
    ? {
        'Open MPI': ['libmpi.40.dylib', '/opt/homebrew/lib/libmpi.40.dylib', '/usr/local/lib/libmpi.40.dylib'],
        MPICH: ['libmpi.12.dylib', '/opt/homebrew/lib/libmpi.12.dylib', '/usr/local/lib/libmpi.12.dylib'],
      }
    : { 'Open MPI': ['libmpi.so.40'], MPICH: ['libmpi.so.12', 'libmpich.so.12', 'libmpi_cray.so.12'] };

/** Handles fixed by MPICH's ABI (https://www.mpich.org/abi). */
const MPICH_COMM_WORLD = 0x44000000n;
const MPICH_BYTE = 0x4c00010dn;
const MPICH_FLOAT = 0x4c00040an;
const MPICH_SUM = 0x58000003n;
const MPICH_STATUS_IGNORE = 1n;

const VERSION_BYTES = 8192;

/**
 * The few functions of an MPI library that are needed here. Handles are pointers in Open MPI and 32-bit numbers in
 * MPICH; both pass as one 64-bit argument, of which MPICH reads the lower half.
 */
export class MpiLibrary {
  readonly file: string;
  readonly flavour: Flavour;
  /** The library's own version text, in one line. */
  readonly version: string;
  readonly world: bigint;
  readonly byte: bigint;
  readonly float: bigint;
  readonly sum: bigint;
  readonly ignore: bigint;
  private readonly library: LibraryHandle;
  private readonly functions = new Map<string, KoffiFunction>();

  private constructor(file: string, library: LibraryHandle) {
    this.file = file;
    this.library = library;
    const world = symbol(library, 'ompi_mpi_comm_world');
    this.flavour = world === undefined ? 'MPICH' : 'Open MPI';
    this.world = world ?? MPICH_COMM_WORLD;
    this.byte = symbol(library, 'ompi_mpi_byte') ?? MPICH_BYTE;
    this.float = symbol(library, 'ompi_mpi_float') ?? MPICH_FLOAT;
    this.sum = symbol(library, 'ompi_mpi_op_sum') ?? MPICH_SUM;
    this.ignore = world === undefined ? MPICH_STATUS_IGNORE : 0n;
    this.version = this.askVersion();
  }

  /**
   * Opens the library that PIXTAPE_MPI names, or else the first that the system finds.
   * @param first the flavour to look for first: the launcher's
   * @throws PixtapeError that says what was looked for
   */
  static async open(env: NodeJS.ProcessEnv, first: Flavour = 'Open MPI'): Promise<MpiLibrary> {
    const koffi = await importKoffi();
    const named = env[MPI_VARIABLE];
    const other = first === 'Open MPI' ? 'MPICH' : 'Open MPI';
    const files = named ? [named] : [...FILES[first], ...FILES[other]];
    let reason = '';
    for (const file of files) {
      try {
        return new MpiLibrary(file, koffi.load(file));
      } catch (error) {
        reason ||= (error as Error).message;
      }
    }
    throw named
      ? new PixtapeError(
          `${MPI_VARIABLE} names ${named}, which is no MPI library: ${reason}`,
          'Name the file of libmpi itself, or leave the variable out.',
        )
      : new PixtapeError(
          `no MPI library found (looked for ${files.join(', ')})`,
          `Install Open MPI or MPICH, or name the library's file in ${MPI_VARIABLE}.`,
        );
  }

  /** Calls a function of the library. @throws Error if it does not say MPI_SUCCESS */
  call(signature: string, ...args: unknown[]): void {
    const code = this.function(signature)(...args);
    if (code !== 0) throw new Error(`${signature.split('(')[0]} failed with code ${code}`);
  }

  private function(signature: string): KoffiFunction {
    let found = this.functions.get(signature);
    if (!found) {
      found = this.library.func(`int ${signature}`);
      this.functions.set(signature, found);
    }
    return found;
  }

  private askVersion(): string {
    const text = new Uint8Array(VERSION_BYTES);
    const length = new Int32Array(1);
    this.call('MPI_Get_library_version(void *text, void *length)', text, length);
    const [line = ''] = new TextDecoder().decode(text.subarray(0, length[0])).split(/[,\n\0]/);
    return line.replace(/\s+/g, ' ').replace(' Version:', '').trim();
  }
}

function symbol(library: LibraryHandle, name: string): bigint | undefined {
  try {
    return BigInt(library.symbol(name));
  } catch {
    return undefined;
  }
}

async function importKoffi(): Promise<typeof import('koffi')['default']> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new PixtapeError(
      `MPI is called through the package koffi, which is not installed or does not run here (${(cause as Error).message})`,
      'npm install koffi. It is an optional package: npm leaves it out where it has no build for the system.',
      { code: 'unsupported', cause },
    );
  }
}
