import { constants } from 'node:os';

/** glibc's and musl's RTLD_NODELETE, for which Node has no name. */
const RTLD_NODELETE = 0x1000;

/**
 * Loads a shared library into this process for good; whoever asks for it by its name afterwards is given this one. It
 * stands in for LD_LIBRARY_PATH, which is read only when a process starts. Node loads a library to look for an addon in
 * it, finds none, throws, and unloads it again: hence the flag. Throws when the library itself cannot be loaded.
 */
export function loadForGood(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
  } catch (error) {
    if (!/self-register/.test((error as Error).message)) throw error;
  }
}
