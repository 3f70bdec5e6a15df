/** A file format, recognised by its first bytes, and how to convert it to a supported one. */
interface Kind {
  what: string;
  advice: string;
}

const CONVERT = 'Convert it to PNG or JPEG.';
const HEIC =
  'Convert it to JPEG or PNG: in Preview on a Mac, with heif-convert elsewhere. (An iPhone takes JPEG with Settings → ' +
  'Camera → Formats → Most Compatible.)';

const KINDS: readonly (Kind & { at: number; bytes: string })[] = [
  ...['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1'].map((brand) => {
    return { at: 4, bytes: `ftyp${brand}`, what: 'a HEIC picture, as iPhones take them', advice: HEIC };
  }),
  { at: 4, bytes: 'ftypqt', what: 'a film (QuickTime)', advice: 'Take single pictures out of it.' },
  { at: 4, bytes: 'ftypmp4', what: 'a film (MP4)', advice: 'Take single pictures out of it.' },
  { at: 4, bytes: 'ftypisom', what: 'a film (MP4)', advice: 'Take single pictures out of it.' },
  { at: 4, bytes: 'ftypcrx', what: 'a raw photograph (CR3)', advice: CONVERT },
  { at: 4, bytes: 'jP  \r\n', what: 'a JPEG 2000 picture', advice: CONVERT },
  { at: 0, bytes: '\xff\x4f\xff\x51', what: 'a JPEG 2000 picture', advice: CONVERT },
  { at: 4, bytes: 'JXL ', what: 'a JPEG XL picture', advice: CONVERT },
  { at: 0, bytes: '\xff\x0a', what: 'a JPEG XL picture', advice: CONVERT },
  { at: 0, bytes: '8BPS', what: 'a file of Photoshop', advice: CONVERT },
  { at: 0, bytes: 'gimp xcf', what: 'a file of GIMP', advice: CONVERT },
  { at: 0, bytes: '\x76\x2f\x31\x01', what: 'an OpenEXR picture', advice: 'Convert it to a 16-bit PNG.' },
  { at: 0, bytes: '#?RADIANCE', what: 'a Radiance HDR picture', advice: 'Convert it to a 16-bit PNG.' },
  { at: 0, bytes: '%PDF', what: 'a PDF', advice: 'Export its pages as PNG.' },
  { at: 128, bytes: 'DICM', what: 'a DICOM file', advice: 'Convert it to PNG or .npy (pydicom reads it).' },
  { at: 344, bytes: 'n+1\0', what: 'a NIfTI volume', advice: 'Save its slices as PNG or .npy (nibabel reads it).' },
  { at: 0, bytes: '\x1f\x8b', what: 'packed by gzip', advice: 'Unpack it: gunzip FILE' },
  { at: 0, bytes: 'PK\x03\x04', what: 'a zip archive', advice: 'Unpack it.' },
  { at: 0, bytes: '\x89HDF', what: 'an HDF5 file', advice: 'Save its arrays with numpy.save, as .npy.' },
  {
    at: 0,
    bytes: '<!DOCTYPE html',
    what: 'a web page',
    advice: 'Download the picture again: the address gave a page.',
  },
  { at: 0, bytes: '<html', what: 'a web page', advice: 'Download the picture again: the address gave a page.' },
  { at: 0, bytes: 'version https://git-lfs', what: 'a pointer of Git LFS', advice: 'Fetch the file: git lfs pull' },
  {
    at: 12,
    bytes: 'CgBI',
    what: 'a PNG for iPhone apps alone (CgBI)',
    advice: 'Save it as PNG again, in Preview on a Mac.',
  },
];

/** Recognises unsupported formats; undefined for others. */
export function nameOfContent(bytes: Uint8Array): Kind | undefined {
  const has = ({ at, bytes: wanted }: (typeof KINDS)[number]) =>
    [...wanted].every((character, i) => bytes[at + i] === character.charCodeAt(0));
  return KINDS.find(has);
}
