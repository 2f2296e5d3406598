/* TODO: write it */
