#!/bin/bash
rm $1/x
