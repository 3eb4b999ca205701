def write_study_report(folder, out=None):
    return folder
