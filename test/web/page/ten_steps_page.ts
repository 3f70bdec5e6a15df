import { openTestDevice } from './device.ts';
import { tenSteps } from './ten_steps.ts';

Object.assign(globalThis, { tenSteps: async () => tenSteps(await openTestDevice()) });
