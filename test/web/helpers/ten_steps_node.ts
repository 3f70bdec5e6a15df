/** Ten steps on SwiftShader in Node, as JSON on stdout. */
import { closeAdapter } from '../../../src/drivers/index.ts';
import { openDevice } from '../../../src/drivers/open_device.ts';
import { tenSteps } from '../page/ten_steps.ts';

const device = await openDevice('swiftshader');
console.log(JSON.stringify(await tenSteps(device)));
device.destroy();
closeAdapter();
