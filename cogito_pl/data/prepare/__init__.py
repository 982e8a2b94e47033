"""Tools that write data sets: multiple choice made open-ended, a validation split held out."""
