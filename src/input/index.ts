/** Virtio input devices behind vhost-user. */
export { InputDevice, type InputDeviceOptions, type InputStatus, type ScrollAxis } from './input-device.js';
export {
  type InputProfile,
  type KeyboardOptions,
  keyboardProfile,
  mouseProfile,
  POSITION_MAX,
  type ProfileOptions,
  TOUCH_SLOTS,
  tabletProfile,
  touchscreenProfile,
} from './profile.js';
