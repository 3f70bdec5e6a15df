/**
 * Advice for a browser without WebGPU. Browsers do not say what they lack, so the advice goes by the browser's name.
 */
export interface PageAdvice {
  title: string;
  /** The steps to take; text to type is in `backticks`. */
  steps: string[];
}

/**
 * @param agent the browser's user agent string
 * @param there whether `navigator.gpu` exists, but returns no adapter
 */
export function adviseBrowser(agent: string, there: boolean, secure: boolean): PageAdvice {
  if (!secure) {
    return {
      title: 'WebGPU needs a secure page',
      steps: ['Open this page as https://… or on this machine as http://localhost:… or http://127.0.0.1:…'],
    };
  }
  const browser = nameOf(agent);
  const title = there ? `${browser} found no graphics adapter for WebGPU` : `This ${browser} has no WebGPU yet`;
  return { title, steps: there ? stepsForAdapter(browser, agent) : stepsForApi(browser, agent) };
}

function nameOf(agent: string): string {
  if (/Firefox\//.test(agent)) return 'Firefox';
  if (/Edg\//.test(agent)) return 'Edge';
  if (/Chrome\/|CriOS\//.test(agent)) return 'Chrome';
  return /Safari\//.test(agent) ? 'Safari' : 'browser';
}

const LINUX_FLAGS = '`--enable-unsafe-webgpu --use-webgpu-adapter=swiftshader`';

function stepsForApi(browser: string, agent: string): string[] {
  // Every browser on iOS uses Safari's engine.
  if (/iPhone|iPad/.test(agent)) return ['Update to iOS or iPadOS 26, which brings WebGPU to every browser on it.'];
  switch (browser) {
    case 'Chrome':
    case 'Edge':
      return [
        `Update ${browser}: WebGPU came with version 113 on Windows, macOS and ChromeOS, and with 121 on Android.`,
        `On Linux, start ${browser} with \`--enable-unsafe-webgpu --enable-features=Vulkan\`, or, without a GPU, with ${LINUX_FLAGS}`,
      ];
    case 'Firefox':
      return [
        'Update Firefox: WebGPU came with version 141 on Windows and 145 on Macs with Apple chips.',
        'Elsewhere, take Firefox Nightly, open `about:config` and set `dom.webgpu.enabled` to true.',
      ];
    case 'Safari':
      return [
        'Update to Safari 26 (macOS 26, iOS 26), which has WebGPU switched on.',
        'In Safari 18, switch it on: Settings, Feature Flags, WebGPU (the Develop menu must be on).',
      ];
    default:
      return ['Open this page in a current Chrome, Edge, Safari or Firefox.'];
  }
}

function stepsForAdapter(browser: string, agent: string): string[] {
  if (browser === 'Firefox') return ['Open `about:support` and look under Graphics for why WebGPU is blocked.'];
  if (browser === 'Safari') return ['Restart Safari; a GPU process that has crashed too often is not started again.'];
  return [
    'Switch graphics acceleration on: Settings, System, “Use graphics acceleration when available”, then restart.',
    `Open \`${browser === 'Edge' ? 'edge' : 'chrome'}://gpu\` and look at WebGPU: it says why it is off. An old driver is the usual reason.`,
    ...(/Linux|CrOS/.test(agent) && !/Android/.test(agent)
      ? [`Without a GPU, start ${browser} with ${LINUX_FLAGS}`]
      : []),
  ];
}
