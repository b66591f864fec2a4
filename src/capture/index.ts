export {
  type CaptureEvent,
  type CaptureListener,
  type CursorState,
  FrameCapture,
  type Picture,
} from './frame-capture.js';
export { deflatePicture, encodePng, encodePngInPieces, imageHeader, PNG_SIGNATURE, pngChunk } from './png.js';
export { decodePng, PngError } from './png-decode.js';
export type { ChangeListener, View } from './view.js';
