/** The viewer's page: puts its parts together. */
import { Page } from './page.js';

new Page().start();
