import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PixtapeError } from '../engine/util/errors.ts';
import { MORE_PORTS, type Served, serve } from '../web/server/serve.ts';
import { Command, InvalidArgumentError } from './flags/commander.ts';
import { watchInterrupt } from './run/interrupt.ts';
import { openInBrowser } from './shared/open.ts';

/** The page's files, beside the built command. */
const folder = fileURLToPath(new URL('./web', import.meta.url));

export function demoCommand() {
  return new Command('demo')
    .description(
      'draw in the browser and see it coloured, or train there: serves the page on this machine and opens it',
    )
    .option('--port <number>', 'the first port to try; 0 takes any', port, 8080)
    .option('--no-open', 'leave the browser closed, print the link only')
    .action(async ({ port, open }) => {
      const server = await startServer(port);
      console.log(`pixtape in the browser: ${server.url}\nCtrl-C ends it.`);
      if (open) openInBrowser(server.url);
      await interrupted();
      await server.close();
    });
}

async function startServer(port: number): Promise<Served> {
  if (!existsSync(join(folder, 'index.html'))) {
    throw new PixtapeError(
      `the page is not built: there is no ${join(folder, 'index.html')}`,
      'npm run web builds it.',
    );
  }
  return serve({ folder, port }).catch((cause: Error) => {
    throw new PixtapeError(
      `cannot listen on port ${port} or the ${MORE_PORTS} after it: ${cause.message}`,
      'Name another one: --port 9000',
      { cause },
    );
  });
}

function interrupted(): Promise<void> {
  return new Promise((done) => {
    const watch = watchInterrupt(() => {
      watch.stop();
      done();
    });
  });
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('Expected a port from 0 to 65535.');
  return value;
}
