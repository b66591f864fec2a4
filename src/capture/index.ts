export { type CaptureEvent, type CursorState, FrameCapture, type Picture } from './frame-capture.js';
export { encodePng } from './png.js';
