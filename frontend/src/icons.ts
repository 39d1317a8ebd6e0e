import { LabIcon } from '@jupyterlab/ui-components';

import svg from '../style/nbrucio.svg';

/** The mark of nbrucio: files that arrive in a notebook. It has the colour of its surroundings. */
export const nbrucioIcon = new LabIcon({ name: 'nbrucio:icon', svgstr: svg });
