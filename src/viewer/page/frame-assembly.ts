/**
 * Frames out of messages: the announcement, then its tiles. A frame is given on when all of it is there. Throws when the
 * server says something else: the connection cannot go on.
 */
import { decodeTile, type ServerMessageOf, type Tile } from '../protocol/index.js';

export type FrameMessage = ServerMessageOf<'frame'>;

export interface Frame extends FrameMessage {
  readonly parts: readonly Tile[];
  /** What came for it, announcement not counted. */
  readonly bytes: number;
}

export class FrameAssembly {
  private announced: FrameMessage | null = null;
  private parts: Tile[] = [];
  private bytes = 0;

  /** Forgets what has begun, for a new connection. */
  clear(): void {
    this.announced = null;
  }

  /** Returns the frame when it has no tiles. */
  begin(message: FrameMessage): Frame | null {
    if (this.announced !== null) {
      throw new Error(`frame ${message.frame} before the end of ${this.announced.frame}`);
    }
    this.announced = message;
    this.parts = [];
    this.bytes = 0;
    return this.whole();
  }

  /** Returns the frame that the tile completes. */
  tile(data: ArrayBuffer): Frame | null {
    const { announced } = this;
    const tile = decodeTile(data);
    if (tile === null || announced === null || tile.frame !== announced.frame) {
      throw new Error('a tile of no frame');
    }
    if (tile.x + tile.width > announced.width || tile.y + tile.height > announced.height) {
      throw new Error(`a tile outside of frame ${announced.frame}`);
    }
    this.parts.push(tile);
    this.bytes += data.byteLength;
    return this.whole();
  }

  private whole(): Frame | null {
    const { announced, parts, bytes } = this;
    if (announced === null || parts.length < announced.tiles) return null;
    this.announced = null;
    return { ...announced, parts, bytes };
  }
}
