/** Programs that tests use at desks: neither blinks, fades in or slides anything, what is seen depends on the input only. */
import type { DesktopProgram } from './desktop-program.js';

export const GTK: DesktopProgram = {
  command: ['gtk4-demo', '--run=textview'],
  env: { GSK_RENDERER: 'cairo' },
  home: {
    '.config/gtk-4.0/settings.ini': [
      '[Settings]',
      'gtk-cursor-blink=false',
      'gtk-enable-animations=false',
      'gtk-overlay-scrolling=false',
      '',
    ].join('\n'),
    // GTK 4.8 does not always draw them anew while it still measures the text.
    '.config/gtk-4.0/gtk.css': 'scrollbar slider { opacity: 0; }\n',
  },
};

export const GTK_WIDGETS: DesktopProgram = { ...GTK, command: ['gtk4-demo', '--run=dropdown'] };

export const QT: DesktopProgram = {
  command: ['qt6ct'],
  env: { QT_QPA_PLATFORM: 'wayland', QT_QPA_PLATFORMTHEME: 'qt6ct' },
  home: {
    '.config/qt6ct/qt6ct.conf': [
      '[Appearance]',
      'style=Fusion',
      '[Fonts]',
      'general="DejaVu Sans,10"',
      '[Interface]',
      'cursor_flash_time=0',
      '',
    ].join('\n'),
  },
};
