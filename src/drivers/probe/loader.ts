import { constants } from 'node:os';

/** RTLD_NODELETE of glibc and musl, which Node does not define. */
const RTLD_NODELETE = 0x1000;

/**
 * Loads a shared library into this process for good. Later requests for its name get this one. This replaces
 * LD_LIBRARY_PATH, which is read only when a process starts. Node looks for an addon in the library, finds none,
 * throws, and unloads it, hence the flag. Throws if the library itself cannot be loaded.
 */
export function loadForGood(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
  } catch (error) {
    if (!/self-register/.test((error as Error).message)) throw error;
  }
}
