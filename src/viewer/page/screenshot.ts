/** The picture as a file. */

/** `name`, a time and `.png`, of letters that every file system takes. */
export function fileName(name: string, time: Date): string {
  const stamp = time.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  const plain = name.replace(/[^\p{L}\p{N}._-]+/gu, ' ').trim();
  return `${plain === '' ? 'screen' : plain} ${stamp}.png`;
}

/** Has the browser save the canvas, pixel for pixel. */
export function saveScreenshot(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    if (blob === null) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = fileName(name, new Date());
    link.click();
    URL.revokeObjectURL(link.href);
  }, 'image/png');
}
